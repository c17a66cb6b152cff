// Where do the arrays of a recorded step live? In an arena that all recordings of a model share: freed arrays make room
// for later ones of the same recording, and the next recording starts over the same memory.
#pragma once
#include <stddef.h>

#include "../dinograd.h"

namespace dg {

struct Arena;

Arena *arena_create(int device);
int arena_device(const Arena *arena);
// Memory inside the arena; or a status after fail().
int arena_allocate(Arena *arena, size_t bytes, char **memory);
void arena_release(Arena *arena, void *memory, size_t bytes);
// A program, finished or being recorded, begins and ends to use the arena.
void arena_enter(Arena *arena);
void arena_leave(Arena *arena);
bool arena_has_programs(const Arena *arena);
bool arena_has_arrays(const Arena *arena);
// Whether [begin, end) is memory of the arena in which no array lives.
bool arena_is_free(const Arena *arena, const char *begin, const char *end);
void arena_destroy(Arena *arena);

}  // namespace dg
