/* Shows one picture after the other by programming the VGA directly; waits for a key between them. Each prints its number on the debug console when it stands. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

__attribute__((section(".multiboot"))) const u32 header[] = {0x1badb002, 0, -0x1badb002u};
static u8 stack[16384];

__attribute__((naked, section(".entry"))) void _start(void) {
  __asm__("mov $0, %%esp\n add %0, %%esp\n call run\n cli\n hlt" ::"i"(stack + sizeof stack));
}

static void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static void out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static void out32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }
static u8 in8(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
static u32 in32(u16 port) {
  u32 value;
  __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static u32 seed;
static u32 chance(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static volatile u8 *const window = (u8 *)0xa0000;
static void indexed(u16 port, u8 index, u8 value) { out16(port, (u16)(index | value << 8)); }
static void sequencer(u8 index, u8 value) { indexed(0x3c4, index, value); }
static void graphics(u8 index, u8 value) { indexed(0x3ce, index, value); }
static void crtc(u8 index, u8 value) { indexed(0x3d4, index, value); }
static void attribute(u8 index, u8 value) {
  in8(0x3da);
  out8(0x3c0, index);
  out8(0x3c0, value);
  out8(0x3c0, 0x20);
}
static void dispi(u16 index, u16 value) {
  out16(0x1ce, index);
  out16(0x1cf, value);
}

struct mode {
  u8 misc, sequencer[5], crtc[25], graphics[9], attribute[21];
};
#define EGA 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
static const struct mode text = {0x67, {3, 0, 3, 0, 2},
  {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x2d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
  {0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff}, {EGA, 0x0c, 0, 0x0f, 8, 0}};
static const struct mode mode13 = {0x63, {3, 1, 0x0f, 0, 0x0e},
  {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
  {0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0, 0}};
static const struct mode mode12 = {0xe3, {3, 1, 0x0f, 0, 6},
  {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7, 0x04, 0xe3, 0xff},
  {0, 0, 0, 0, 0, 0, 0x05, 0x0f, 0xff}, {EGA, 1, 0, 0x0f, 0, 0}};
static const struct mode mode0d = {0x63, {3, 9, 0x0f, 0, 6},
  {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96, 0xb9, 0xe3, 0xff},
  {0, 0, 0, 0, 0, 0, 0x05, 0x0f, 0xff}, {EGA, 1, 0, 0x0f, 0, 0}};
static const struct mode mode04 = {0x63, {3, 9, 3, 0, 2},
  {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96, 0xb9, 0xa2, 0xff},
  {0, 0, 0, 0, 0, 0x30, 0x0f, 0x0f, 0xff}, {0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 3, 0, 0}};
static const struct mode mode06 = {0x63, {3, 1, 1, 0, 6},
  {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0, 0x96, 0xb9, 0xc2, 0xff},
  {0, 0, 0, 0, 0, 0, 0x0d, 0x0f, 0xff}, {0, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 1, 0, 1, 0, 0}};

/* Everything that may be left from the picture before is set. */
static void set(const struct mode *mode) {
  dispi(4, 0);
  out8(0x3c2, mode->misc);
  for (u8 i = 0; i < 5; i++) sequencer(i, mode->sequencer[i]);
  crtc(0x11, 0);
  for (u8 i = 0; i < 25; i++) crtc(i, mode->crtc[i]);
  for (u8 i = 0; i < 9; i++) graphics(i, mode->graphics[i]);
  for (u8 i = 0; i < 21; i++) attribute(i, mode->attribute[i]);
  out8(0x3c8, 0);
  for (int i = 0; i < 768; i++) out8(0x3c9, chance() & 0x3f);
}

/* Through the chained window, so that every plane has what the pictures to come do not write. */
static void clear(void) {
  set(&mode13);
  for (u32 i = 0; i < 0x10000; i++) window[i] = 0;
  sequencer(4, 6);
  graphics(5, 0);
  for (u32 i = 0; i < 0x10000; i++) window[i] = 0;
}

static void load_font(u32 at, u32 height) {
  sequencer(2, 4);
  sequencer(4, 6);
  graphics(5, 0);
  graphics(6, 4);
  for (u32 glyph = 0; glyph < 256; glyph++)
    for (u32 y = 0; y < 32; y++) {
      /* No right edge in 0xb0 … 0xbf: whether it is repeated there is a matter of taste. */
      u8 row = y < height ? (u8)chance() : 0;
      window[at + glyph * 32 + y] = glyph >= 0xb0 && glyph < 0xc0 ? row & 0xfe : row;
    }
}

static void show_text(u8 split) {
  clear();
  set(&text);
  load_font(0, 16);
  load_font(0x4000, 16);
  sequencer(2, 3);
  sequencer(4, 2);
  sequencer(3, split ? 0x04 : 0);
  graphics(5, 0x10);
  graphics(6, 0x0e);
  for (u32 i = 0; i < 0x8000; i++) ((volatile u8 *)0xb8000)[i] = (u8)chance();
  if (!split) return;
  sequencer(1, 1);
  crtc(9, 0x07);
  crtc(0x0c, 3);
  crtc(0x0d, 0x21);
  crtc(7, 0x0f);
  crtc(0x18, 199);
}

static void show_chained(void) {
  set(&mode13);
  for (u32 i = 0; i < 320 * 200; i++) window[i] = (u8)(i / 320 + i % 320 + (chance() & 7));
}

static void show_unchained(void) {
  clear();
  set(&mode13);
  sequencer(4, 6);
  crtc(0x14, 0);
  crtc(0x17, 0xe3);
  crtc(6, 0x0d);
  crtc(7, 0x3e);
  crtc(0x10, 0xea);
  crtc(0x11, 0x8c);
  crtc(0x12, 0xdf);
  crtc(0x0d, 0x50);
  for (u8 plane = 0; plane < 4; plane++) {
    sequencer(2, 1 << plane);
    for (u32 i = 0; i < 0x10000; i++) window[i] = (u8)(i + plane * 16 + (chance() & 3));
  }
}

/* All write modes and functions, with values by chance. */
static void show_planar(const struct mode *mode) {
  clear();
  set(mode);
  for (u32 i = 0; i < 0x10000; i++) {
    if ((i & 0xff) == 0) {
      sequencer(2, chance() & 15);
      for (u8 index = 0; index < 9; index++) {
        u8 value = (u8)chance();
        graphics(index, index == 5 ? value & 0x0b : index == 6 ? 5 : value);
      }
    }
    u8 before = window[chance() & 0xffff];
    window[i] = (u8)chance() ^ before;
  }
  graphics(5, mode->graphics[5]);
}

static void show_cga(const struct mode *mode) {
  clear();
  set(mode);
  for (u32 i = 0; i < 0x4000; i++) ((volatile u8 *)0xb8000)[i] = (u8)(i ^ chance());
}

static u8 *frame_buffer(void) {
  out32(0xcf8, 0x80001010);
  return (u8 *)(in32(0xcfc) & ~15u);
}

static void show_linear(u16 width, u16 height, u16 bits, u16 virtual_width, u16 x, u16 y, u16 flags) {
  set(&mode13);
  dispi(4, 0);
  dispi(1, width);
  dispi(2, height);
  dispi(3, bits);
  dispi(4, 0x41 | flags);
  if (virtual_width) dispi(6, virtual_width);
  dispi(8, x);
  dispi(9, y);
  if (flags & 0x20) {
    out8(0x3c8, 0);
    for (int i = 0; i < 768; i++) out8(0x3c9, (u8)chance());
  }
  u32 *buffer = (u32 *)frame_buffer();
  u32 words = (u32)(virtual_width ? virtual_width : width) * (height + y) * ((bits + 7u) / 8) / 4;
  for (u32 i = 0; i < words; i++) buffer[i] = i * 0x01030507u + (chance() & 0x0f0f0f0f);
}

static void show_banked(void) {
  set(&mode13);
  dispi(1, 640);
  dispi(2, 480);
  dispi(3, 8);
  dispi(4, 1);
  for (u32 i = 0; i < 640 * 480; i++) {
    if ((i & 0xffff) == 0) dispi(5, (u16)(i >> 16));
    window[i & 0xffff] = (u8)chance();
  }
}

static void key(void) {
  do
    while ((in8(0x64) & 1) == 0) {}
  while ((in8(0x60) & 0x80) == 0);
}

__attribute__((used)) static void run(void) {
  for (u8 scene = 0;; scene++) {
    seed = 0x12345678 + scene;
    switch (scene) {
    case 0: show_text(0); break;
    case 1: show_text(1); break;
    case 2: show_chained(); break;
    case 3: show_unchained(); break;
    case 4: show_planar(&mode12); break;
    case 5: show_planar(&mode0d); break;
    case 6: show_cga(&mode04); break;
    case 7: show_cga(&mode06); break;
    case 8: show_linear(1024, 768, 32, 0, 0, 0, 0); break;
    case 9: show_linear(800, 600, 24, 1024, 8, 5, 0); break;
    case 10: show_linear(800, 600, 16, 0, 0, 7, 0); break;
    case 11: show_linear(640, 480, 15, 0, 0, 0, 0); break;
    case 12: show_linear(1280, 1024, 8, 0, 0, 0, 0x20); break;
    case 13: show_banked(); break;
    default: out8(0xf4, 0);
    }
    out8(0xe9, 'a' + scene);
    key();
  }
}
