#pragma once

namespace vesta::tracer {

// Whether this thread is inside of backward().
bool is_in_backward();

}  // namespace vesta::tracer
