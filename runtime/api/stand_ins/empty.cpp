// Nothing: a library that only has a name.
