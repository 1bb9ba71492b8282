def f(a: int, c: bool):
  t0 = a
  t1 = [t0] if c else {"a": t0}
  t2 = [t1] if c else {"a": t1}
  t3 = [t2] if c else {"a": t2}
  t4 = [t3] if c else {"a": t3}
  t5 = [t4] if c else {"a": t4}
  t6 = [t5] if c else {"a": t5}
  t7 = [t6] if c else {"a": t6}
  t8 = [t7] if c else {"a": t7}
  t9 = [t8] if c else {"a": t8}
  t10 = [t9] if c else {"a": t9}
  t11 = [t10] if c else {"a": t10}
  t12 = [t11] if c else {"a": t11}
  t13 = [t12] if c else {"a": t12}
  t14 = [t13] if c else {"a": t13}
  t15 = [t14] if c else {"a": t14}
  t16 = [t15] if c else {"a": t15}
  t17 = [t16] if c else {"a": t16}
  t18 = [t17] if c else {"a": t17}
  t19 = [t18] if c else {"a": t18}
  t20 = [t19] if c else {"a": t19}
  t21 = [t20] if c else {"a": t20}
  t22 = [t21] if c else {"a": t21}
  t23 = [t22] if c else {"a": t22}
  t24 = [t23] if c else {"a": t23}
  return t24
