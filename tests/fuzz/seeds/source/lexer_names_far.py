def f(𝑥: int, ﬀ: int, ゛: int): return 𝑥 + ﬀ
