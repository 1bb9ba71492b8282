class B(object, Nope):
  pass
