def f(n: int, s: str):
  return f"{{{n}}}" + f"a{{b}}c{n}{{}}" + f"{s}{n}" + f"" + rf"\{n}" + "{{}}".format(n)
