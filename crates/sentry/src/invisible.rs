//! Characters that nobody sees, and that come along when text is copied: marks of direction, zero-width spaces, soft hyphens.

/// Whether `character` shows as nothing, whatever stands around it.
pub fn is_invisible(character: char) -> bool {
    is_joiner(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether `character` is part of how its neighbours are written: in Persian words, Indic scripts and emoji.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether `character` may be left out of any text without changing how it looks.
pub fn is_deceptive(character: char) -> bool {
    is_invisible(character) && !is_joiner(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_joins_letters_and_emoji_stays_in_a_text() {
        for hidden in ['\u{200b}', '\u{200e}', '\u{202e}', '\u{2068}', '\u{ad}', '\u{feff}', '\u{e0041}'] {
            assert!(is_invisible(hidden) && is_deceptive(hidden), "{hidden:?}");
        }
        for joiner in ['\u{200c}', '\u{200d}', '\u{fe0f}'] {
            assert!(is_invisible(joiner) && !is_deceptive(joiner), "{joiner:?}");
        }
        for seen in ['a', ' ', '\u{a0}', '-', '_', 'é', '字', '🦀'] {
            assert!(!is_invisible(seen), "{seen:?}");
        }
    }
}
