def f(x):
  except ValueError:
    pass
