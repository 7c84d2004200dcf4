// The emoji short names that the conversations here use; any other name stays as it was typed.
const EMOJI = {
  '+1': '👍', '-1': '👎', adult: '🧑', alarm_clock: '⏰', arrow_down: '⬇️', arrow_left: '⬅️', arrow_right: '➡️',
  arrow_up: '⬆️', arrows_counterclockwise: '🔄', bar_chart: '📊', bell: '🔔', book: '📖', boom: '💥', broken_heart: '💔',
  bug: '🐛', bulb: '💡', bust_in_silhouette: '👤', busts_in_silhouette: '👥', calendar: '📆', chart_with_downwards_trend: '📉',
  chart_with_upwards_trend: '📈', clipboard: '📋', closed_lock_with_key: '🔐', coffee: '☕', construction: '🚧',
  eyes: '👀', exclamation: '❗', fire: '🔥', gear: '⚙️', ghost: '👻', green_circle: '🟢', hammer: '🔨', hand: '✋', heart: '❤️',
  heavy_check_mark: '✔️', horse: '🐴', horse_racing: '🏇', hourglass: '⌛', hourglass_flowing_sand: '⏳', information_source: 'ℹ️', key: '🔑',
  large_blue_circle: '🔵', large_green_circle: '🟢', large_orange_circle: '🟠', large_red_circle: '🔴',
  large_yellow_circle: '🟡', link: '🔗', lock: '🔒', mag: '🔍', mag_right: '🔎', memo: '📝', mute: '🔇', no_entry: '⛔',
  no_entry_sign: '🚫', octagonal_sign: '🛑', ok_hand: '👌', package: '📦', point_right: '👉', pray: '🙏', pushpin: '📌',
  question: '❓', rabbit: '🐰', red_circle: '🔴', repeat: '🔁', robot_face: '🤖', rocket: '🚀', rotating_light: '🚨', see_no_evil: '🙈',
  shield: '🛡️', shrug: '🤷', slightly_smiling_face: '🙂', small_blue_diamond: '🔹', small_orange_diamond: '🔸', smile: '😄',
  snail: '🐌', sob: '😭', sparkles: '✨', speech_balloon: '💬', star: '⭐', stopwatch: '⏱️', tada: '🎉', thinking_face: '🤔', thumbsup: '👍',
  unlock: '🔓', warning: '⚠️', wave: '👋', white_check_mark: '✅', white_circle: '⚪', wrench: '🔧', x: '❌', zap: '⚡', zzz: '💤',
};

export const emoji = (name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : null);
