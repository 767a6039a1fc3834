//! Pictures as files: SVG as it is, PNG drawn from it with the fonts of this machine.

use std::path::Path;
use std::sync::Arc;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use crate::exit::{CommandFailure, Exit};

/// Dots an inch of a PNG; SVG has 96 of its pixels in an inch.
const DOTS: f32 = 300.0;

/// The longest side of a PNG in dots.
const LONGEST: f32 = 20_000.0;

/// The fonts that pictures ask for, the best first.
const FONTS: [&str; 3] = ["DejaVu Sans", "Helvetica", "Arial"];

/// Writes a picture as what its name ends with: `.svg` or `.png`.
pub(crate) fn write(svg: &str, path: &Path) -> Result<(), CommandFailure> {
    let bytes = match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => svg.as_bytes().to_vec(),
        Some("png") => png(svg)?,
        _ => {
            return Err(CommandFailure::new(
                Exit::Usage,
                "N2-MAP-008",
                format!("the picture `{}` is neither .svg nor .png", path.display()),
                "end its name with .svg or .png".to_owned(),
            ));
        }
    };
    std::fs::write(path, bytes).map_err(|error| {
        CommandFailure::new(
            Exit::Usage,
            "N2-MAP-008",
            format!(
                "the picture `{}` cannot be written: {error}",
                path.display()
            ),
            "name a file in a folder that is there and may be written".to_owned(),
        )
    })
}

fn png(svg: &str) -> Result<Vec<u8>, CommandFailure> {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    drawn(svg, fonts)
}

/// Draws a picture with these fonts.
fn drawn(svg: &str, fonts: fontdb::Database) -> Result<Vec<u8>, CommandFailure> {
    let wanted = fontdb::Query {
        families: &FONTS.map(fontdb::Family::Name),
        ..fontdb::Query::default()
    };
    if fonts.query(&wanted).is_none() {
        return Err(CommandFailure::new(
            Exit::Stopped,
            "N2-MAP-009",
            format!(
                "no font of {} is installed: the picture would have no words",
                FONTS.join(", ")
            ),
            "install DejaVu (Debian: `apt-get install fonts-dejavu-core`), or ask for .svg"
                .to_owned(),
        ));
    }
    let defect =
        |what: &str| CommandFailure::internal(format!("a picture cannot be drawn: {what}"));
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| defect(&error.to_string()))?;
    let size = tree.size();
    let scale = (DOTS / 96.0).min(LONGEST / size.width().max(size.height()));
    let dots = |length: f32| (length * scale).ceil() as u32;
    let mut pixels = Pixmap::new(dots(size.width()), dots(size.height()))
        .ok_or_else(|| defect("it has no size"))?;
    // Parts of a dot at the edges would else be dark.
    pixels.fill(Color::WHITE);
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut pixels.as_mut(),
    );
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let dots_in_a_metre = (96.0 * scale / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: dots_in_a_metre,
        yppu: dots_in_a_metre,
        unit: png::Unit::Meter,
    }));
    // The paper is white and covers all: nothing is transparent.
    let colours: Vec<u8> = pixels
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()])
        .collect();
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&colours));
    written.map_err(|error| defect(&error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_font_nothing_is_drawn() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>";
        let failure = drawn(svg, fontdb::Database::new()).unwrap_err();
        assert_eq!(failure.exit, Exit::Stopped);
        let code = failure.report.code().map(|code| code.to_string());
        assert_eq!(code.as_deref(), Some("N2-MAP-009"));
    }
}
