require ["include", "fileinto"];
include "returner";
fileinto "outer";
