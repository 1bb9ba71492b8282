#pragma once

// All of Vesta's public API.
//
//   absl::StatusOr<vesta::Module> model = vesta::load("model.pt");
//   if (!model.ok()) return report(model.status());
//   absl::StatusOr<at::Tensor> scores = vesta::get<at::Tensor>(model->forward({image}));

#include <vesta/checkpoint.h>
#include <vesta/compile.h>
#include <vesta/inspect.h>
#include <vesta/limits.h>
#include <vesta/load.h>
#include <vesta/method.h>
#include <vesta/module.h>
#include <vesta/operators.h>
#include <vesta/options.h>
#include <vesta/produced_by.h>
#include <vesta/trace.h>
#include <vesta/types.h>
#include <vesta/value.h>
#include <vesta/version.h>
