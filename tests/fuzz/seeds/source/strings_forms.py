def f():
  return "a" 'b' """c
"d" """ '''e''' r"\n" R'\x' u"f" b"g\xff" == "h", rb"i\n", Br"j"
