"""From files and arrays to samples: readers, columns, labels, scaling."""
