require "editheader";
addheader "X-Added" "here";
deleteheader "Subject";
