// Makes src/pages/favicon.ico from src/pages/favicon.svg: node scripts/favicon.mjs

import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(createRequire(import.meta.url).resolve("miniflare/package.json"));
const sharp = require("sharp");

const folder = new URL("../src/pages/", import.meta.url);
const svg = fs.readFileSync(new URL("favicon.svg", folder));
const sizes = [16, 32, 48];
const images = await Promise.all(
  sizes.map((size) =>
    sharp(svg, { density: 72 * 8 })
      .resize(size, size)
      .png({ compressionLevel: 9 })
      .toBuffer(),
  ),
);

const head = Buffer.alloc(6 + 16 * sizes.length);
head.writeUInt16LE(1, 2); // an icon
head.writeUInt16LE(sizes.length, 4);
let offset = head.length;
for (const [index, image] of images.entries()) {
  const at = 6 + 16 * index;
  head.writeUInt8(sizes[index], at);
  head.writeUInt8(sizes[index], at + 1);
  head.writeUInt16LE(1, at + 4); // planes
  head.writeUInt16LE(32, at + 6); // bits a pixel
  head.writeUInt32LE(image.length, at + 8);
  head.writeUInt32LE(offset, at + 12);
  offset += image.length;
}
fs.writeFileSync(new URL("favicon.ico", folder), Buffer.concat([head, ...images]));
