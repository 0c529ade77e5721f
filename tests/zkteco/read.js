// Reads one clock with zkteco-js and writes what it read as JSON: node read.js HOST PORT FILE
const fs = require('fs')
const Zkteco = require('zkteco-js')

const read = async () => {
  const clock = new Zkteco(process.argv[2], Number(process.argv[3]), 5000, 4000)
  await clock.createSocket()
  const found = {
    serial: await clock.getSerialNumber(),
    firmware: await clock.getFirmware(),
    name: await clock.getDeviceName(),
    info: await clock.getInfo(),
    users: (await clock.getUsers()).data,
    records: (await clock.getAttendances()).data,
  }
  await clock.disconnect()
  fs.writeFileSync(process.argv[4], JSON.stringify(found))
  process.exit(0)
}

read().catch((error) => { console.error(error); process.exit(1) })
