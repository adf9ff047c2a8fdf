//! Which old layer a new one is most like: the one that the same instruction made, at the same place. Pure.

use super::{PARTS_BYTES_MAX, Parts};
use crate::manifest::{Descriptor, ImageConfig, Manifest};

/// Most old layers that are worth a try for one new layer.
const BASES_MAX: usize = 2;

/// A new layer, and the old layers to try a delta from, the likeliest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bases {
    /// The layer that the old image does not have.
    pub layer: Descriptor,
    /// Layers of the old image.
    pub old: Vec<Descriptor>,
}

/// For each layer that only the new image has, the layers of the old one that it may have come from. Both images are of one
/// platform. Layers that were replaced come before those that are still there, then those of the same instruction
/// (`created_by` in the history), then those nearest to the same place, counted from below or from above.
pub fn bases(old: (&Manifest, &ImageConfig), new: (&Manifest, &ImageConfig)) -> Vec<Bases> {
    let (old_by, new_by) = (instructions(old), instructions(new));
    let (old, new) = (&old.0.layers, &new.0.layers);
    let mut found: Vec<Bases> = Vec::new();
    for (at, layer) in new.iter().enumerate() {
        let known = |layers: &[Descriptor]| layers.iter().any(|other| other.digest == layer.digest);
        if known(old) || known(&new[..at]) || !is_fit(layer) {
            continue;
        }
        let mut ranked: Vec<_> = old
            .iter()
            .enumerate()
            .filter(|(_, base)| is_fit(base) && is_gzip(base) == is_gzip(layer))
            .map(|(from, base)| {
                let stays = new.iter().any(|other| other.digest == base.digest);
                let by = new_by.get(at).copied().flatten();
                let other_by = by.is_none() || old_by.get(from).copied().flatten() != by;
                let below = at.abs_diff(from);
                let above = (new.len() - at).abs_diff(old.len() - from);
                ((stays, other_by, below.min(above), layer.size.abs_diff(base.size)), base)
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let old: Vec<Descriptor> = ranked.into_iter().map(|(_, base)| base.clone()).take(BASES_MAX).collect();
        if !old.is_empty() {
            found.push(Bases { layer: layer.clone(), old });
        }
    }
    found
}

/// What made each layer. The history tells of instructions without a layer, too; where it does not fit, nothing is known.
fn instructions<'a>((manifest, config): (&Manifest, &'a ImageConfig)) -> Vec<Option<&'a str>> {
    let with_layer = config.history.iter().filter(|line| !line.empty_layer);
    let found: Vec<Option<&str>> = with_layer.map(|line| line.created_by.as_deref()).collect();
    if found.len() == manifest.layers.len() { found } else { Vec::new() }
}

fn is_fit(layer: &Descriptor) -> bool {
    layer.urls.is_empty() && layer.size <= PARTS_BYTES_MAX && Parts::is_supported(&layer.media_type)
}

fn is_gzip(layer: &Descriptor) -> bool {
    layer.media_type.ends_with("gzip")
}

#[cfg(test)]
mod tests {
    //! Pairs by instruction, place, and what is left.

    use super::*;
    use crate::digest::Digest;
    use crate::manifest::{History, media_type};

    fn image(layers: &[(&str, &str)]) -> (Manifest, ImageConfig) {
        let config = Descriptor::of(media_type::OCI_CONFIG, b"{}");
        let (mut descriptors, mut history) = (Vec::new(), Vec::new());
        for (content, by) in layers {
            let kind = if content.ends_with("zst") {
                media_type::OCI_LAYER_ZSTD
            } else {
                media_type::OCI_LAYER_GZIP
            };
            descriptors.push(Descriptor::new(kind, Digest::of(content.as_bytes()), content.len() as u64));
            history.push(History { created_by: Some((*by).to_owned()), ..History::default() });
            history.push(History { empty_layer: true, ..History::default() });
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: None,
            artifact_type: None,
            config,
            layers: descriptors,
            subject: None,
            annotations: Default::default(),
        };
        (manifest, ImageConfig { history, ..ImageConfig::default() })
    }

    /// New layer → old layers, by what was put into them.
    fn found(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let name = |layer: &Descriptor| {
            let all = old.iter().chain(new).map(|(content, _)| content);
            all.clone().find(|content| Digest::of(content.as_bytes()) == layer.digest).unwrap().to_string()
        };
        let (old, new) = (image(old), image(new));
        let found = bases((&old.0, &old.1), (&new.0, &new.1));
        found.iter().map(|one| (name(&one.layer), one.old.iter().map(name).collect())).collect()
    }

    #[test]
    fn the_same_instruction_comes_first_and_what_stays_last() {
        let old = [("base", "FROM"), ("npm", "RUN npm"), ("app", "COPY app")];
        let new = [("base", "FROM"), ("fonts", "RUN apt"), ("npm 2", "RUN npm"), ("app 2", "COPY app")];
        let pair = |new: &str, old: [&str; 2]| (new.to_owned(), old.map(str::to_owned).to_vec());
        assert_eq!(
            found(&old, &new),
            [pair("fonts", ["npm", "app"]), pair("npm 2", ["npm", "app"]), pair("app 2", ["app", "npm"])]
        );
    }

    #[test]
    fn layers_of_another_kind_and_those_that_are_there_are_left_out() {
        assert_eq!(found(&[("a", "")], &[("a", "")]), []);
        assert_eq!(found(&[("a.zst", "")], &[("b", "")]), []);
        assert_eq!(found(&[("a", "")], &[("b.zst", "")]), []);
        assert_eq!(found(&[("a", "")], &[("b", ""), ("b", "")]), [("b".to_owned(), vec!["a".to_owned()])]);
    }
}
