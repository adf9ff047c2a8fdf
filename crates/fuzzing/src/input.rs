//! Choices that a target takes off the front of its bytes, so that one corpus reaches several forms of a parser.

/// What is left of the bytes.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Input<'a> {
        Input(data)
    }

    /// The next byte; 0 at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// The entry of a list that the next byte chooses.
    pub(crate) fn choose<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[usize::from(self.byte()) % list.len()]
    }

    /// Everything that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Everything that is left, as text; bytes that are none are replaced.
    pub(crate) fn text(self) -> String {
        String::from_utf8_lossy(self.0).into_owned()
    }

    /// What is left, in pieces that a zero byte divides.
    pub(crate) fn pieces(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(|&byte| byte == 0)
    }
}
