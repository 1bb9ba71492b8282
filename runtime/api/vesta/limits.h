#pragma once

// vesta::Limits and vesta::CallLimits. The layers below share them, so they are defined there; an installation
// puts that file in this one's place.
#include "../../../ir/support/limits.h"
