// Takes the README's picture, docs/pictures/sandbox.png: npm run picture

import { createRequire } from "node:module";
import path from "node:path";
import { ADA, GRACE, INCIDENTS, scene } from "./harness.mjs";
import { root } from "./world.mjs";

const require = createRequire(createRequire(import.meta.url).resolve("miniflare/package.json"));
const sharp = require("sharp");

scene("the picture", async ({ world, person }) => {
  const direct = await person(ADA, { channel: "D0ADA" });
  await direct.askConnected("org list", "Initech GmbH");
  const ada = await person(ADA, { viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  await world.control("say", { person: GRACE.id, channel: INCIDENTS, text: "Payments time out for some customers. Does anybody know why?" });
  await ada.ask("@vedette issue list globex/checkout-api -n 3");
  await ada.page.locator("#thread-messages").getByText("CHECKOUT-API-4F").first().waitFor();
  await ada.page.mouse.move(0, 0);
  await ada.page.evaluate(() => document.activeElement.blur());
  await ada.page.getByText("Payments time out for some customers").scrollIntoViewIfNeeded();
  await ada.page.waitForTimeout(500);
  const picture = await ada.page.screenshot();
  await sharp(picture).png({ palette: true, quality: 90, effort: 10 }).toFile(path.join(root, "docs/pictures/sandbox.png"));
});
