def f(a): return �
