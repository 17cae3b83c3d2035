"""What a training gave: figures, folders, expectations, Hessians."""
