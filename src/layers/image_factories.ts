// How does a user make a layer over images? As every layer (factories.ts): one function per class, and TensorFlow.js's other names for
// some.

import {
  Conv1D,
  Conv1DTranspose,
  Conv2D,
  Conv2DTranspose,
  Conv3D,
  Conv3DTranspose,
  type ConvLayerArgs,
  type ConvTransposeLayerArgs,
} from "./conv.ts";
import {
  DepthwiseConv1D,
  DepthwiseConv2D,
  type DepthwiseConvLayerArgs,
  SeparableConv1D,
  SeparableConv2D,
  type SeparableConvLayerArgs,
} from "./depthwise.ts";
import {
  AveragePooling1D,
  AveragePooling2D,
  AveragePooling3D,
  GlobalAveragePooling1D,
  GlobalAveragePooling2D,
  GlobalAveragePooling3D,
  GlobalMaxPooling1D,
  GlobalMaxPooling2D,
  GlobalMaxPooling3D,
  type GlobalPoolingLayerArgs,
  MaxPooling1D,
  MaxPooling2D,
  MaxPooling3D,
  type PoolingLayerArgs,
} from "./pool.ts";
import {
  Cropping1D,
  Cropping2D,
  Cropping3D,
  type CroppingLayerArgs,
  UpSampling1D,
  UpSampling2D,
  type UpSampling2DLayerArgs,
  UpSampling3D,
  type UpSamplingLayerArgs,
  ZeroPadding1D,
  ZeroPadding2D,
  ZeroPadding3D,
  type ZeroPaddingLayerArgs,
} from "./borders.ts";

/** Convolution along one dimension: `layers.conv1d({ filters: 16, kernelSize: 3 })`. */
export function conv1d(args: ConvLayerArgs): Conv1D {
  return new Conv1D(args);
}
/** Convolution of images: `layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" })`. */
export function conv2d(args: ConvLayerArgs): Conv2D {
  return new Conv2D(args);
}
/** Convolution of volumes: `layers.conv3d({ filters: 8, kernelSize: 3 })`. */
export function conv3d(args: ConvLayerArgs): Conv3D {
  return new Conv3D(args);
}
/** Transposed convolution along one dimension: `layers.conv1dTranspose({ filters: 8, kernelSize: 3, strides: 2 })`. */
export function conv1dTranspose(args: ConvTransposeLayerArgs): Conv1DTranspose {
  return new Conv1DTranspose(args);
}
/** Transposed convolution of images: `layers.conv2dTranspose({ filters: 8, kernelSize: 3, strides: 2 })`. */
export function conv2dTranspose(args: ConvTransposeLayerArgs): Conv2DTranspose {
  return new Conv2DTranspose(args);
}
/** Transposed convolution of volumes. */
export function conv3dTranspose(args: ConvTransposeLayerArgs): Conv3DTranspose {
  return new Conv3DTranspose(args);
}

/** Convolution of each channel of sequences by filters of its own. */
export function depthwiseConv1d(args: DepthwiseConvLayerArgs): DepthwiseConv1D {
  return new DepthwiseConv1D(args);
}
/** Convolution of each channel of images by filters of its own: `layers.depthwiseConv2d({ kernelSize: 3 })`. */
export function depthwiseConv2d(args: DepthwiseConvLayerArgs): DepthwiseConv2D {
  return new DepthwiseConv2D(args);
}
/** Depthwise convolution of sequences, then a mixture of the channels. */
export function separableConv1d(args: SeparableConvLayerArgs): SeparableConv1D {
  return new SeparableConv1D(args);
}
/** Depthwise convolution of images, then a mixture of the channels: `layers.separableConv2d({ filters: 32, kernelSize: 3 })`. */
export function separableConv2d(args: SeparableConvLayerArgs): SeparableConv2D {
  return new SeparableConv2D(args);
}

/** Maxima in windows of sequences: `layers.maxPooling1d({ poolSize: 2 })`. */
export function maxPooling1d(args?: PoolingLayerArgs): MaxPooling1D {
  return new MaxPooling1D(args);
}
/** Maxima in windows of images: `layers.maxPooling2d({ poolSize: 2 })`. */
export function maxPooling2d(args?: PoolingLayerArgs): MaxPooling2D {
  return new MaxPooling2D(args);
}
/** Maxima in windows of volumes. */
export function maxPooling3d(args?: PoolingLayerArgs): MaxPooling3D {
  return new MaxPooling3D(args);
}
/** Averages in windows of sequences. */
export function averagePooling1d(args?: PoolingLayerArgs): AveragePooling1D {
  return new AveragePooling1D(args);
}
/** Averages in windows of images: `layers.averagePooling2d({ poolSize: 2 })`. */
export function averagePooling2d(args?: PoolingLayerArgs): AveragePooling2D {
  return new AveragePooling2D(args);
}
/** Averages in windows of volumes. */
export function averagePooling3d(args?: PoolingLayerArgs): AveragePooling3D {
  return new AveragePooling3D(args);
}
/** The maximum of each channel of sequences. */
export function globalMaxPooling1d(args?: GlobalPoolingLayerArgs): GlobalMaxPooling1D {
  return new GlobalMaxPooling1D(args);
}
/** The maximum of each channel of images. */
export function globalMaxPooling2d(args?: GlobalPoolingLayerArgs): GlobalMaxPooling2D {
  return new GlobalMaxPooling2D(args);
}
/** The maximum of each channel of volumes. */
export function globalMaxPooling3d(args?: GlobalPoolingLayerArgs): GlobalMaxPooling3D {
  return new GlobalMaxPooling3D(args);
}
/** The average of each channel of sequences. */
export function globalAveragePooling1d(args?: GlobalPoolingLayerArgs): GlobalAveragePooling1D {
  return new GlobalAveragePooling1D(args);
}
/** The average of each channel of images. */
export function globalAveragePooling2d(args?: GlobalPoolingLayerArgs): GlobalAveragePooling2D {
  return new GlobalAveragePooling2D(args);
}
/** The average of each channel of volumes. */
export function globalAveragePooling3d(args?: GlobalPoolingLayerArgs): GlobalAveragePooling3D {
  return new GlobalAveragePooling3D(args);
}

/** Zeros before and behind sequences. */
export function zeroPadding1d(args?: ZeroPaddingLayerArgs): ZeroPadding1D {
  return new ZeroPadding1D(args);
}
/** A border of zeros around images: `layers.zeroPadding2d({ padding: 1 })`. */
export function zeroPadding2d(args?: ZeroPaddingLayerArgs): ZeroPadding2D {
  return new ZeroPadding2D(args);
}
/** A border of zeros around volumes. */
export function zeroPadding3d(args?: ZeroPaddingLayerArgs): ZeroPadding3D {
  return new ZeroPadding3D(args);
}
/** Sequences without their ends. */
export function cropping1d(args?: CroppingLayerArgs): Cropping1D {
  return new Cropping1D(args);
}
/** Images without their borders: `layers.cropping2d({ cropping: 2 })`. */
export function cropping2d(args?: CroppingLayerArgs): Cropping2D {
  return new Cropping2D(args);
}
/** Volumes without their borders. */
export function cropping3d(args?: CroppingLayerArgs): Cropping3D {
  return new Cropping3D(args);
}
/** Sequences made longer by repeating their steps. */
export function upSampling1d(args?: UpSamplingLayerArgs): UpSampling1D {
  return new UpSampling1D(args);
}
/** Images made larger by repeating their pixels: `layers.upSampling2d({ size: 2 })`. */
export function upSampling2d(args?: UpSampling2DLayerArgs): UpSampling2D {
  return new UpSampling2D(args);
}
/** Volumes made larger by repeating their pixels. */
export function upSampling3d(args?: UpSamplingLayerArgs): UpSampling3D {
  return new UpSampling3D(args);
}

export {
  averagePooling1d as avgPool1d,
  averagePooling1d as avgPooling1d,
  averagePooling2d as avgPool2d,
  averagePooling2d as avgPooling2d,
  averagePooling3d as avgPool3d,
  averagePooling3d as avgPooling3d,
  cropping2d as cropping2D,
  globalAveragePooling1d as globalAvgPool1d,
  globalAveragePooling2d as globalAvgPool2d,
  globalAveragePooling3d as globalAvgPool3d,
  globalMaxPooling1d as globalMaxPool1d,
  globalMaxPooling2d as globalMaxPool2d,
  globalMaxPooling3d as globalMaxPool3d,
  maxPooling1d as maxPool1d,
  maxPooling2d as maxPool2d,
  maxPooling3d as maxPool3d,
};
