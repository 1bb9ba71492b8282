// Exists only to carry a precompiled header: see VestaTargets.cmake.
