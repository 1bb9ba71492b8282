#pragma once

// VESTA_API marks what libvesta.so exports; everything else in it is hidden.
#define VESTA_API __attribute__((visibility("default")))
