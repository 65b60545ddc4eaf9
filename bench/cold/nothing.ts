process.stdout.write('verified')
