#pragma once

// vesta::PyValue. The layers below share it, so it is defined there; an installation puts that file in this one's
// place.
#include "../../../serialization/python_value.h"
