"""The same problems and trainings, written for other libraries: what netc is compared with."""
