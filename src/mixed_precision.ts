// What is public of mixed precision? Policies, the one in force, and the optimizer that scales losses.

export { globalPolicy, Policy, setGlobalPolicy } from "./policy.ts";
export { LossScaleOptimizer } from "./optimizers/loss_scale.ts";
