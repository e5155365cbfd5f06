from nastk.cli import main

main()
