class A:
  ...
  'text'
  1
