def f(): return CONSTANTS.c0
