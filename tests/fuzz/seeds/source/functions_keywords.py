def f(**a): pass
