#pragma once

#include <memory>

#include <vesta/module.h>

#include "tests/differential/subject.h"

namespace vesta::test {

std::unique_ptr<Subject> vesta_subject(Module module);

}  // namespace vesta::test
