def f(s: str, n: int, l: List[str]):
  a = s.split(), s.split(","), s.split(",", 1), s.rsplit(), s.rsplit(",", 2), s.splitlines(), s.splitlines(True), s.partition("a"), s.rpartition("b")
  b = s.find("a"), s.find("a", 1), s.find("a", 1, 2), s.rfind("a"), s.index("a"), s.rindex("b", 0), s.count("a"), s.replace("a", "b"), s.replace("a", "b", 1)
  c = s.startswith("a"), s.endswith("b", 1, 2), s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), s.strip(), s.lstrip("a"), s.rstrip()
  d = s.isalpha(), s.isdigit(), s.isspace(), s.isalnum(), s.isupper(), s.islower(), s.istitle(), s.isdecimal(), s.isnumeric(), s.isidentifier(), s.isprintable()
  e = s.zfill(3), s.center(9), s.center(9, "*"), s.ljust(4), s.rjust(5, "-"), s.expandtabs(), s.join(l), "%s %d" % (s, n), "%s" % s, "{} {}".format(s, n), s + s, s[0], s[1:2]
  g = int(s), float(s), ord(s), chr(n), hex(n), oct(n), bin(n), hash(s), s < s, s >= "a", str(n), str(s), len(s), int("3"), bool(s)
  return a, b, c, d, e, g
