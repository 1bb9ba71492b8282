def f():
  return "\\ \' \" \a \b \f \n \r \t \v \0 \7 \101 \777 \x41 \xe9 \u20ac \U0001F600 \q \
"
