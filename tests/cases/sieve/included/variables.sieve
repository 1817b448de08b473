require ["variables", "include", "fileinto"];
global "shared";
set "private" "theirs";
fileinto "in ${shared}/${private}/${global.other}";
set "shared" "changed";
set "global.other" "new";
