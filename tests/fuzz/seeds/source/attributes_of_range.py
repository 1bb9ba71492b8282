def f(): return range(3).start
