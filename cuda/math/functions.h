// All functions of one or two numbers, for floats and for vectors of floats alike.
#pragma once
#include "activations.h"
#include "division.h"
#include "error_function.h"
#include "exponential.h"
#include "hyperbolic.h"
#include "power.h"
#include "real.h"
#include "trigonometric.h"
