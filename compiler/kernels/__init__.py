"""ir -> loops -> text: plans, passes and tiles; a room for each target."""
