// What can a program leave out? Copies of results that nobody else wants: their makers write to where they are copied to. And calls
// whose results nobody wants at all.
#pragma once

namespace dg {

struct Program;

// Of a program whose recording has ended. Changes no number.
void shorten(Program &program);

}  // namespace dg
