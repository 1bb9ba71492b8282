class A:
  def __add__(self, o: int): return o
  def __sub__(self, o: int): return o
  def __contains__(self, o: int): return o
  def __eq__(self, o: int): return o
  def __lt__(self, o: int): return o
  def __getitem__(self, o: int): return o
  def __delitem__(self, o: int): return o
  def __call__(self, o: int): return o
  def __setitem__(self, i: int, v: int): pass
  def __neg__(self, o: int): return 1
  def __len__(self, o: int): return 1
  def __bool__(self, o: int): return True
  def __int__(self, o: int): return 1
  def __iadd__(self, o: int): return 1
def f(a: A):
  return len(a)
