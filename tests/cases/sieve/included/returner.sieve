require ["fileinto", "include"];
fileinto "before";
if true { return; }
fileinto "never";
