require "fileinto";
fileinto "included";
