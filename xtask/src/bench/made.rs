//! Made content for measurements: rules and scripts that are the same each time. Not meant to resemble real malware.

use std::fmt::Write as _;

/// YARA rules of three strings each, as operators have them: plain text, hexadecimal bytes, both widths, an expression.
pub fn rules(count: u32) -> String {
    let mut numbers = Numbers(7);
    let mut text = String::new();
    for number in 0..count {
        // A String takes every write.
        let _ = writeln!(text, "rule made_{number} {{\n strings:");
        for string in 0..3 {
            let value = match numbers.below(10) {
                0..5 => format!("\"{}\"", numbers.word(8, 24)),
                5..7 => format!("\"{}\" wide ascii", numbers.word(8, 20)),
                7..9 => format!("{{ {}}}", numbers.bytes(10, 24)),
                _ => format!("/{}[0-9]{{2,6}}{}/", numbers.word(6, 10), numbers.word(3, 6)),
            };
            let _ = writeln!(text, "  $s{string} = {value}");
        }
        let condition = ["any of them", "all of them", "2 of them"][numbers.below(3) as usize];
        let _ = writeln!(text, " condition: {condition}\n}}");
    }
    text
}

/// A script of some ten kilobytes.
pub fn script(seed: u32) -> String {
    let mut numbers = Numbers(u64::from(seed) + 1);
    let mut text = String::new();
    while text.len() < 10_000 {
        let (name, value) = (numbers.word(6, 12), numbers.word(20, 60));
        let _ = writeln!(text, "export const {name} = require(\"./lib/{value}\");");
    }
    text
}

/// Numbers of a linear congruential generator (Knuth's MMIX): the same everywhere, and no dependency.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(bound)) as u32
    }

    fn word(&mut self, shortest: u32, longest: u32) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
        let length = shortest + self.below(longest - shortest + 1);
        (0..length).map(|_| char::from(LETTERS[self.below(LETTERS.len() as u32) as usize])).collect()
    }

    fn bytes(&mut self, fewest: u32, most: u32) -> String {
        let length = fewest + self.below(most - fewest + 1);
        (0..length).map(|_| format!("{:02x} ", self.below(256))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_each_time_and_as_many_as_asked() {
        let text = rules(2_000);
        assert_eq!(text.matches("rule made_").count(), 2_000);
        assert_eq!(text, rules(2_000));
        assert_ne!(script(1), script(2));
        assert!(script(1).len() >= 10_000);
    }
}
