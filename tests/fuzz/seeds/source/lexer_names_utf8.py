def f(größe: int, ж: int, 名: int, 𝒳: int):
  return größe + ж + 名 + 𝒳
