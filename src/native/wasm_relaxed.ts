export const relaxed = "";
