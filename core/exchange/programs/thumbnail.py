"""A small picture of a picture: PNG, JPEG or WebP in, WebP out, with nothing of the original but its look (T65).

Arguments: the longest side of the result and the most pixels of the original. Ends with 3 for what gets no picture.
"""

import io
import sys
import warnings

from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
NO_PICTURE = 3
QUALITY = 80


def main() -> int:
    """Read the picture from standard input, write the small one to standard output."""
    longest, pixels = int(sys.argv[1]), int(sys.argv[2])
    warnings.simplefilter("error")
    try:
        with Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=FORMATS) as image:
            if image.width * image.height > pixels or getattr(image, "n_frames", 1) != 1:
                return NO_PICTURE
            image.draft("RGB", (longest * 2, longest * 2))  # a large JPEG is decoded small at once
            small = ImageOps.exif_transpose(image)
            small.thumbnail((longest, longest))
            clean = small.convert("RGBA" if small.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Warning, Image.DecompressionBombError, MemoryError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return NO_PICTURE
    bare = Image.new(clean.mode, clean.size)
    bare.paste(clean)
    result = io.BytesIO()
    bare.save(result, "WEBP", quality=QUALITY)
    sys.stdout.buffer.write(result.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
