//! What the derives of [`FromJson`](crate::base::json::FromJson) ask of the reader.

use std::borrow::Cow;

use super::scan::{Fault, Reader, place};
use super::unknown;
use crate::base::json::Slot;

/// Reads one entry of a map: its name is read, its value stands next.
type Entry<'f, 'de> = &'f mut dyn FnMut(Cow<'de, str>, &mut Reader<'de>) -> Result<(), Fault>;

impl<'de> Reader<'de> {
    /// Reads the fields of an object, each into its place. `needed` has a bit for each field that must be there; a `strict` object has
    /// no others.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn fields(
        &mut self,
        names: &'static [&'static str],
        needed: u64,
        strict: bool,
        slots: &mut [&mut dyn Slot<'de>],
    ) -> Result<(), Fault> {
        let mut inside = self.open(b'{')?;
        inside.names = names;
        let mut seen = 0_u64;
        while inside.more()? {
            let name = inside.name()?;
            let place = inside.place(&name);
            match place.and_then(|place| Some((place, slots.get_mut(place)?))) {
                Some((place, slot)) => {
                    let bit = bit(place);
                    if seen & bit != 0 {
                        return Err(Fault::duplicate(names.get(place).unwrap_or(&"")));
                    }
                    seen |= bit;
                    slot.fill(inside.reader)?;
                }
                None if strict => return Err(unknown("field", &name, names)),
                None => {
                    inside.reader.skip()?;
                }
            }
        }
        inside.close()?;
        match names.iter().enumerate().find(|(place, _)| needed & !seen & bit(*place) != 0) {
            Some((_, name)) => Err(Fault::missing(name)),
            None => Ok(()),
        }
    }

    /// Reads the name of a variant: its place, and whether an object is open whose one field it is.
    ///
    /// # Errors
    /// When neither stands here, and for an unknown name.
    pub fn variant(&mut self, names: &'static [&'static str]) -> Result<(usize, bool), Fault> {
        let open = self.peek() != b'"';
        let name = if open {
            let mut inside = self.open(b'{')?;
            if !inside.more()? {
                return Err(Fault::new(&"expected one field that names the variant"));
            }
            inside.name()?
        } else {
            self.text()?
        };
        place(names, &name).map(|place| (place, open)).ok_or_else(|| unknown("variant", &name, names))
    }

    /// Reads the name of a variant of a type that has none with a value.
    ///
    /// # Errors
    /// As [`Reader::variant`], and for an object.
    pub fn plain_variant(&mut self, names: &'static [&'static str]) -> Result<usize, Fault> {
        let (place, open) = self.variant(names)?;
        self.plain(open).map(|()| place)
    }

    /// Refuses an object where a variant has no value.
    ///
    /// # Errors
    /// For an object.
    pub fn plain(&self, open: bool) -> Result<(), Fault> {
        if open { Err(Fault::new(&"expected the variant's name as a string")) } else { Ok(()) }
    }

    /// Refuses a name alone where a variant has a value.
    ///
    /// # Errors
    /// For a name alone.
    pub fn filled(&self, open: bool) -> Result<(), Fault> {
        if open { Ok(()) } else { Err(Fault::new(&"expected an object with one field that names the variant")) }
    }

    /// Ends the object of a variant after its value.
    ///
    /// # Errors
    /// For another field.
    pub fn ended(&mut self) -> Result<(), Fault> {
        self.need(b'}', "the end")?;
        self.room = self.room.saturating_add(1);
        Ok(())
    }

    /// Reads the items of a list.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn items(&mut self, item: &mut dyn FnMut(&mut Reader<'de>) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut inside = self.open(b'[')?;
        while inside.more()? {
            item(inside.reader)?;
        }
        inside.close()
    }

    /// Reads the entries of a map.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn entries(&mut self, entry: Entry<'_, 'de>) -> Result<(), Fault> {
        let mut inside = self.open(b'{')?;
        while inside.more()? {
            if inside.reader.peek() != b'"' {
                return Err(inside.reader.expected("a string as a name"));
            }
            let name = inside.name()?;
            entry(name, inside.reader)?;
        }
        inside.close()
    }

    /// Goes past null and says whether it stood here.
    ///
    /// # Errors
    /// For something that begins as null.
    pub fn nothing(&mut self) -> Result<bool, Fault> {
        if self.peek() != b'n' {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }

    /// Reads true or false.
    ///
    /// # Errors
    /// For anything else.
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        if matches!(self.peek(), b't' | b'f') { self.flag() } else { Err(self.mismatch("a boolean")) }
    }
}

/// The bit of a field; there are 64 at most, which the derive sees to.
fn bit(place: usize) -> u64 {
    u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
}
