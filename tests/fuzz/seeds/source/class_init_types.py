class B:
  def __init__(self, b: bool):
    if b: self.z = 1
    else: self.z = "a"
