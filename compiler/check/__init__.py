"""ast -> spec: what is wrong with a file is found here, all of it, with its place."""
