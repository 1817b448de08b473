from services.indexer.app import SECTIONS, SERVICE, build
from shared.service import main

main(SERVICE, build, SECTIONS)
