require "fileinto";
fileinto "stopped";
stop;
fileinto "never";
